"""Service Catalog: portfolios, products, launch constraints and provisioned products."""

from lockgate_twin.services.servicecatalog.service import ServiceCatalog

__all__ = ["ServiceCatalog"]
